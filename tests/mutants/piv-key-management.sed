# file: apdu/piv_sign.c
# rule: 6
# The key for encipherment signs.
s/key_ref == PIV_KEY_AUTHENTICATION ||/true ||/
