# file: apdu/nid.h
# rule: 10
# Files are read in the smallest of blocks.
s/^#define NID_BLOCK      0xF8/#define NID_BLOCK      0x04/
