/* SPDX-License-Identifier: Apache-2.0 */
/* publish.c: by which name computers find this phone where Avahi runs (DNS-SD, RFC 6763): avahi-publish does it, as a child that
 * lives as long as we listen. The name is random at each start, and each pairing has a record "t=" with its salted
 * tag (store.h): whoever is paired recognises it, and nobody else can tell that it is the phone of yesterday.
 *
 * It is a kindness: without Avahi a computer comes to the address that it knows.
 */
#include "daemon/relay/host.h"

#include "base/program.h"
#include "daemon/child.h"

#include <stdio.h>
#include <sys/random.h>

struct publish {
        struct host *host;
        struct child *child;
};

static void on_frame(void *user, const uint8_t *data, size_t len)
{
        (void)user, (void)data, (void)len; /* it does not know of the channel */
}

static void on_exited(void *user, int status)
{
        (void)status;
        struct publish *publish = user;
        publish->child = child_free(publish->child);
        log_kv(&publish->host->log, LOG_LEVEL_NOTICE, NULL, "not published", "why",
                "avahi-publish ended", NULL);
}

struct arguments {
        char port[8], name[32], tags[LINK_PEERS_MAX][LINK_TAG_LEN + 4];
        const char *argv[LINK_PEERS_MAX + 8];
};

static int add_tags(struct arguments *to, size_t n, const char *folder)
{
        struct link_peer peers[LINK_PEERS_MAX];
        _cleanup_free_ char *bad = NULL; /* told of when it was listed for the person */
        ssize_t count = link_store_list(folder, peers, &bad);
        int r = count < 0 ? (int)count : 0;
        for (ssize_t i = 0; i < count; i++) {
                char tag[LINK_TAG_LEN + 1] = "";
                if (r == 0)
                        r = link_tag_make(peers[i].id, tag);
                snprintf(to->tags[i], sizeof to->tags[i], "t=%s", tag);
                to->argv[n++] = to->tags[i];
                link_peer_clear(&peers[i]);
        }
        return r;
}

static int fill(struct arguments *to, const char *program, const struct host *host)
{
        uint8_t salt[6];
        if (getrandom(salt, sizeof salt, 0) != (ssize_t)sizeof salt)
                return -EIO;
        memcpy(to->name, "mohr-", 5);
        hex_encode(to->name + 5, salt, sizeof salt);
        snprintf(to->port, sizeof to->port, "%u", host->options.port);
        const char *const fixed[] = { program, "-s", to->name, LINK_SERVICE, to->port };
        memcpy(to->argv, fixed, sizeof fixed);
        return add_tags(to, ARRAY_LEN(fixed), host->folder);
}

static int spawn(struct publish *publish)
{
        static const struct child_callbacks callbacks = { on_frame, on_exited };
        static const char *const env[] = { NULL };
        char program[PATH_MAX];
        struct arguments arguments = { 0 };
        if (!program_find("avahi-publish", program, sizeof program))
                return -ENOENT;
        int r = fill(&arguments, program, publish->host);
        return r < 0 ? r
                     : child_spawn(&publish->child, publish->host->event, arguments.argv, env, 64,
                               &callbacks, publish);
}

int publish_start(struct publish **ret, struct host *host)
{
        struct publish *publish = calloc(1, sizeof *publish);
        if (!publish)
                return -ENOMEM;
        publish->host = host;
        int r = spawn(publish);
        if (r < 0) {
                free(publish);
                return r;
        }
        *ret = publish;
        return 0;
}

struct publish *publish_stop(struct publish *publish)
{
        if (!publish)
                return NULL;
        child_free(publish->child);
        free(publish);
        return NULL;
}
