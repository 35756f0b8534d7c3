# file: apdu/nid_pin.c
# rule: 3
# VERIFY goes out twice for one entry.
/counter_seen = card->nid.verified = card->nid.pin_used = false;/a\
        (void)nid_send_plain(card, &cmd);
