# file: apdu/pin.c
# rule: 2
# The reader is told another reference than the one whose counter was read.
s/\.p2 = cmd->p2,/.p2 = 0x01,/
