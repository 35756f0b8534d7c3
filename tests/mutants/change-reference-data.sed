# file: apdu/nid_pin.c
# rule: 6
# CHANGE REFERENCE DATA where VERIFY belongs.
/^int nid_verify/,/^}/s/\.ins = 0x20/.ins = 0x24/
