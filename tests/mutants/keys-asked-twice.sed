# file: apdu/pinpad.c
# rule: 3
# A reader with keys is asked again when it has answered.
s/^        int r = link->pinpad(\(.*\)$/&\
        if (r == 0)\
                r = link->pinpad(\1/
