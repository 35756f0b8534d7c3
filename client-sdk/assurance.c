/* SPDX-License-Identifier: Apache-2.0 */
/* assurance.c: see assurance.h. Two scales, kept apart because they answer different questions.
 *
 * `level` is the certificate policy that the leaf itself names (card-facts 5.4): how its issuer knew the
 * person. Where it names none, or several, that is not known and not guessed.
 *
 * `identity_level` is the national window's scale of how somebody shows who they are: password, photo,
 * digital signature. A chip's signature that holds is the last of them. No assertion is ever the second: a
 * clerk who compared a face with a photo is the station's word, so it is told beside the level and never
 * raises it. A simulated card is nobody's identity, and an expired certificate is one only where the
 * verifier's policy accepts it. The scale is for citizens: a staff card has none.
 */
#include "client-sdk/assurance.h"

#include "base/outcome.h"
#include "client-sdk/members.h"

static const struct {
        const char *acr, *name;
} levels[] = {
        { "urn:oid:2.16.364.101.1.1.1", "bronze" },
        { "urn:oid:2.16.364.101.1.1.2", "silver" },
        { "urn:oid:2.16.364.101.1.1.3", "gold" },
        { "urn:oid:2.16.364.101.1.1.4", "platinum" },
};

_Static_assert(ARRAY_LEN(levels) == ASSURANCE_LEVELS, "the levels are counted in the header");

unsigned int assurance_level(const char *acr)
{
        for (unsigned int i = 0; i < ARRAY_LEN(levels); i++)
                if (strcmp(levels[i].acr, acr) == 0)
                        return i + 1;
        return 0;
}

const char *assurance_level_name(unsigned int level)
{
        return level > 0 && level <= ARRAY_LEN(levels) ? levels[level - 1].name : NULL;
}

static const char *level_of(const struct identity *identity)
{
        const char *name = assurance_level_name(assurance_level(identity->acr));
        return name ? name : IDENTITY_ACR_NONE;
}

static const char *identity_level(const struct mohr_result *result)
{
        const json_t *card = json_object_get(result->claims, "card");
        bool proven = result->outcome == OUTCOME_OK && !json_object_get(card, "simulated");
        if (result->signer->identity.staff)
                return NULL;
        return proven ? "digital-signature" : "none";
}

static const char *photo(const struct mohr_result *result)
{
        const json_t *checked =
                json_object_get(json_object_get(result->claims, "station"), "photo_checked");
        return json_is_true(checked) ? "stated-by-station" : IDENTITY_ACR_NONE;
}

json_t *assurance_of(const struct mohr_result *result)
{
        const struct identity *identity = &result->signer->identity;
        const struct member rows[] = {
                { "acr", identity->acr },
                { "level", level_of(identity) },
                { "identity_level", identity_level(result) },
                { "photo", photo(result) },
        };
        return members_of(json_object(), rows, ARRAY_LEN(rows));
}
