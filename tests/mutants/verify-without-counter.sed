# file: apdu/nid_pin.c
# rule: 2
# VERIFY does not wait for a counter.
s/if (card->nid\.selected != NID_IAS || !card->nid\.counter_seen)/if (card->nid.selected != NID_IAS)/
