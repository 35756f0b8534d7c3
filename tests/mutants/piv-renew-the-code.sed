# file: apdu/piv_renew.c
# rule: 2
# The code that unblocks is changed instead of the PIN.
s/\.p2 = PIV_PIN_REF/.p2 = 0x81/
