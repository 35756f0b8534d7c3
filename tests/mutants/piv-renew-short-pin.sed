# file: apdu/piv_renew.c
# rule: 2
# A new PIN of five digits.
s/\.min = PIV_PIN_MIN/.min = 4/
