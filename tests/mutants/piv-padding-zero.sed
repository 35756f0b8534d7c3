# file: apdu/piv.h
# rule: 2
# The PIN is padded as on the national card.
s/define PIV_PIN_PAD   0xFF/define PIV_PIN_PAD   0x00/
