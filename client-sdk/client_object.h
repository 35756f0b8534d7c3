/* SPDX-License-Identifier: Apache-2.0 */
/* client_object.h: the connection itself, for client.c and client_connect.c alone. */
#ifndef MOHR_CLIENT_OBJECT_H
#define MOHR_CLIENT_OBJECT_H

#include "client-sdk/client.h"

struct mohr_client {
        struct wire wire;
        pid_t owner;  /* a process that was forked has the descriptor and no business with it */
        bool running; /* a call was started and has not ended */
        bool spent;   /* a call broke off, and what comes now belongs to nothing */
        client_reader *reader;
        struct wire_reply reply; /* the last one */
        char *text;              /* what it says */
        char request[64], detail[256];
        int tries_left;
};

#endif
