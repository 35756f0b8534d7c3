# file: apdu/apdu.c
# rule: 3
# What got no answer is sent again.
s/^        r = link->transmit(link->ctx, \(.*\)$/&\
        if (r != 0)\
                r = link->transmit(link->ctx, \1/
