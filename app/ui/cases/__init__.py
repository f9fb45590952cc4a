"""Cases and appointments: all of them to be looked over, and attaching images to one."""
