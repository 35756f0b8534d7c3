# file: apdu/nid_pin.c
# rule: 5
# The counters of the MPCOS copies are asked for with an empty VERIFY instead of 80 C0.
s/\.cla = 0x80, \.ins = 0xC0, \.p1 = 0x02, \.p2 = 0x05, \.le = sizeof info/.ins = 0x20, .le = APDU_NO_LE/
