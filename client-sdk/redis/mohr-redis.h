/* SPDX-License-Identifier: Apache-2.0 */
/* mohr-redis.h: a memory of replays in a Redis server, for verifiers that are several processes or machines.
 *
 * Link with -lmohr-redis -lhiredis. What mohr.h says of return values and ownership holds here.
 *
 * The server decides who was first, so it must be one that does not forget: maxmemory-policy noeviction, and
 * no failover to a replica that lacks the last writes. Nothing of a holder is in it: keys are hashes.
 */
#ifndef MOHR_REDIS_H
#define MOHR_REDIS_H

#ifdef __cplusplus
extern "C" {
#endif

struct mohr_replay; /* of mohr.h */

struct mohr_redis_options {
        const char *address; /* "unix:/run/redis/redis.sock", "host:6379", "[::1]:6379" */
        const char *user,
                *password;  /* NULL: none; a password without a user is the default user's */
        const char *prefix; /* of its keys, at most 64 bytes; NULL: "mohr:replay:" */
        int timeout_ms;     /* for connecting, and for each answer; 0: 1000, at most 60000 */
};

/* Connects when it is first asked. Any number of threads may use one; they wait for each other, so that a busy
 * verifier makes several. When the server is away or refuses, take() is -EIO. A connection that breaks is made
 * anew once, and what was asked is asked again: an answer lost on the way is not taken for a replay. */
int mohr_replay_redis_new(struct mohr_replay **ret, const struct mohr_redis_options *options);
struct mohr_replay *mohr_replay_redis_free(struct mohr_replay *replay);

#ifdef __cplusplus
}
#endif
#endif
