# file: apdu/nid_pin.c
# rule: 6
# A wrong PIN is undone with the unblock command.
/^int nid_verify/,/^}/s/^        \*ret_tries = sw_tries(card->sw);/        cmd.ins = 0x2C;\
        (void)nid_send_plain(card, \&cmd);\
        *ret_tries = sw_tries(card->sw);/
