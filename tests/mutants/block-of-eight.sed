# file: apdu/nid_rows.c
# rule: 2
# The PIN block has the length of MPCOS.
s/\.block_len = 16/.block_len = 8/
