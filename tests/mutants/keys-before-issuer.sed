# file: apdu/nid.c
# rule: 1
# identify() tries the signing method in passing.
/^static int identify(/,/^}/s/^        return 0;/        (void)nid_select_method(card, 3, SIGN_RSA_SHA256_CARD);\
        return 0;/
