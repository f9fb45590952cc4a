"""Publishing: single images seen by anybody who has the address, by somebody's deliberate act, and taken back again."""
