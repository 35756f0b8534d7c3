# file: apdu/nid_read.c
# rule: 6
# UPDATE BINARY where READ BINARY belongs.
s/\.ins = 0xB0/.ins = 0xD6/
