# file: apdu/piv.c
# rule: 1
# The counter is asked for while the card is identified.
/^static int identify/,/^}/s/^        card->piv.found = true;/        card->piv.found = card->piv.supported = true;\
        struct pin_counter early;\
        (void)piv_counter(card, PIN_COPY_IAS, \&early);\
        card->piv.found = true;/
