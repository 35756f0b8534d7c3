# file: apdu/pin.c
# rule: 2
# The reader is told to send no padding but that of MPCOS.
s/\.block_len = format->block_len,/.block_len = 8,/
