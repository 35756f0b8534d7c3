/* SPDX-License-Identifier: Apache-2.0 */
/* methods_internal.h: what the methods of mohr.Identity share. Only methods*.c include it.
 *
 *   methods.c          Status and Watch; the tables
 *   methods_assert.c   Assert
 *   methods_examine.c  Examine
 *   methods_policy.c   CheckPolicy
 *   methods_grants.c   ListGrants, RevokeGrant
 *   methods_pin.c      ChangePin, UnblockPin
 *   methods_person.c   Serve and Answer of mohr.Person
 *   methods_add.c      Add of mohr.Documents
 *   methods_documents.c  Sign and Remove
 *   methods_keys.c     mohr.Keys
 */
#ifndef MOHR_METHODS_INTERNAL_H
#define MOHR_METHODS_INTERNAL_H

#include "client-sdk/fields.h"
#include "daemon/methods.h"
#include "daemon/params.h"
#include "daemon/varlink.h"

#define METHODS_INTERFACE  "mohr.Identity"
#define METHODS_READER_MAX 127 /* bytes, struct driver_reader */

struct keys; /* keys.h */
struct watch;

struct methods {
        struct request_context *context;
        struct watch *watches;
        size_t documents; /* of all connections */
        struct keys *keys;
        bool draining;
};

/* Ends the call. `details` is stolen; NULL: none. Only what the interface declares goes out: outcomes of a client alone are Internal. */
void method_fail(struct call *call, int outcome, json_t *details); /* of METHODS_INTERFACE */
void method_fail_as(struct call *call, const char *interface, int outcome, json_t *details);
void method_invalid(struct call *call, const char *parameter);
/* id and detail may be NULL, tries_left negative. */
json_t *method_details(const char *id, int tries_left, const char *detail);

void method_assert(void *user, struct call *call, json_t *parameters);
void method_examine(void *user, struct call *call, json_t *parameters);
void method_check_policy(void *user, struct call *call, json_t *parameters);
void method_list_grants(void *user, struct call *call, json_t *parameters);
void method_revoke_grant(void *user, struct call *call, json_t *parameters);
void method_change_pin(void *user, struct call *call, json_t *parameters);
void method_unblock_pin(void *user, struct call *call, json_t *parameters);
void method_serve(void *user, struct call *call, json_t *parameters);
void method_answer(void *user, struct call *call, json_t *parameters);
void method_add_document(void *user, struct call *call, json_t *parameters);
void method_sign_documents(void *user, struct call *call, json_t *parameters);
void method_remove_document(void *user, struct call *call, json_t *parameters);
void method_list_keys(void *user, struct call *call, json_t *parameters);
void method_sign_by_key(void *user, struct call *call, json_t *parameters);

#endif
