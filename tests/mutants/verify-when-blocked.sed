# file: apdu/nid_pin.c
# rule: 9
# Any answer to the query counts as tries left.
s/card->nid\.counter_seen = ret->tries > 0;/card->nid.counter_seen = true;/
