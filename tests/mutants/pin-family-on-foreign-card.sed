# file: apdu/nid_pin.c
# rule: 1
# Cards that are not supported are asked for their counter all the same.
s/return card->nid\.row->supported ? 0 : OUTCOME_CARD_NOT_SUPPORTED;/return 0;/
