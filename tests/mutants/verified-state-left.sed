# file: apdu/nid.c
# rule: 8
# clear() clears nothing.
/^static int clear(/,/^}/s/return nid_may_use(card, NID_IAS) ? nid_reselect(card, NID_IAS)/return nid_may_use(card, NID_IAS) ? 0/
