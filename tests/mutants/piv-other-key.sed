# file: apdu/piv_sign.c
# rule: 6
# Another key signs.
s/\.p2 = key_ref,/.p2 = 0x9A,/
