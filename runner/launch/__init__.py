"""How a command becomes the processes of one training, on this machine and on others."""
