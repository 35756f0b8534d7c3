# file: apdu/piv.h
# rule: 5
# The PIN goes to the global reference.
s/define PIV_PIN_REF   0x80/define PIV_PIN_REF   0x00/
