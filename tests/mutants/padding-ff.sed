# file: apdu/nid_rows.c
# rule: 2
# The PIN is padded as on another country's cards.
s/\.pad = 0x00/.pad = 0xFF/
