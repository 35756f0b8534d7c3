# file: apdu/pin.c
# rule: 6
# The reader is told to change the PIN it should verify.
s/\.ins = cmd->ins,/.ins = 0x24,/
