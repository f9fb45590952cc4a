"""Reading what an earlier program left: its folders, and the lists that name them. Changes nothing there."""
