# file: apdu/nid_rows.c
# rule: 5
# The reference of the vendor's other flow.
s/\.ref = 0x81/.ref = 0x01/
