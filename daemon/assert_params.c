/* SPDX-License-Identifier: Apache-2.0 */
/* assert_params.c: see assert_params.h. Shapes are checked here, so that a request begins with facts; what a field means is the
 * request's and the assertion's business.
 */
#include "daemon/assert_params.h"

#include "client-sdk/fields.h"
#include "daemon/relying.h"
#include "daemon/ui.h"

#define READER_MAX  127    /* bytes, struct driver_reader */
#define TIMEOUT_MAX 600000 /* ms */

#define STATION_TEXT .min = 1, .max = FIELD_STATION_MAX, .valid = param_is_text

static const struct param station_params[] = {
        { .name = "operator", STATION_TEXT },
        { .name = "branch", STATION_TEXT },
        { .name = "device", STATION_TEXT },
        { .name = "case_number", STATION_TEXT },
        { .name = "photo_checked", .type = PARAM_BOOL },
        { 0 },
};

static const struct param claims_params[] = {
        { .name = "required", .type = PARAM_CLAIMS },
        { .name = "optional", .type = PARAM_CLAIMS },
        { 0 },
};

/* What the asker says of it. */
/* clang-format off */
#define ASKED                                                                                                              \
        { .name = "audience", .min = 1, .max = FIELD_AUDIENCE_MAX, .valid = field_is_uri },                                \
        { .name = "nonce", .min = FIELD_NONCE_MIN, .max = FIELD_NONCE_MAX, .valid = field_is_nonce },                      \
        { .name = "purpose", .min = 1, .max = FIELD_PURPOSE_MAX, .valid = param_is_text },                                 \
        { .name = "expect_national_number", .min = 10, .max = 10, .valid = param_digits },                                 \
        { .name = "claims", .type = PARAM_OBJECT, .fields = claims_params },                                               \
        { .name = "station", .type = PARAM_OBJECT, .fields = station_params }

const struct param assert_params[] = {
        ASKED,
        { .name = "signed_request", .min = 1, .max = RELYING_REQUEST_MAX, .valid = param_graphic },
        { .name = "reader", .min = 1, .max = READER_MAX, .valid = param_is_text },
        { .name = "timeout_ms", .type = PARAM_INT, .min = 1, .max = TIMEOUT_MAX },
        { .name = "remember", .type = PARAM_BOOL },
        { .name = "ui", .type = PARAM_OBJECT, .fields = ui_params },
        { 0 },
};

const struct param assert_params_afar[] = {
        ASKED,
        { 0 },
};
/* clang-format on */

static bool is_there(json_t *parameters, const char *name)
{
        const json_t *value = json_object_get(parameters, name);
        return value && !json_is_null(value);
}

/* What a signed request says it says alone; without one, who asks must say for whom. NULL: all is well. */
static const char *misplaced(json_t *parameters)
{
        static const char *const rows[] = { "audience", "nonce", "purpose",
                "expect_national_number", "claims" };
        bool is_signed = is_there(parameters, "signed_request");
        for (size_t i = 0; i < ARRAY_LEN(rows); i++)
                if (is_signed && is_there(parameters, rows[i]))
                        return rows[i];
        for (size_t i = 0; i < 2; i++)
                if (!is_signed && !is_there(parameters, rows[i]))
                        return rows[i];
        return NULL;
}

/* Without a word about it all may go along and nothing must. */
static const char *read_claims(struct request_params *params, json_t *claims)
{
        params->optional = CLAIMS_ALL;
        if (!claims)
                return NULL;
        bool good = claimset_read(json_object_get(claims, "required"), &params->required) &&
                    claimset_read(json_object_get(claims, "optional"), &params->optional);
        return good && !(params->required & params->optional) ? NULL : "claims.optional";
}

static void read_texts(struct request_params *params, json_t *parameters)
{
        params->signed_request = param_string(parameters, "signed_request");
        params->audience = param_string(parameters, "audience");
        params->nonce = param_string(parameters, "nonce");
        params->purpose = param_string(parameters, "purpose");
        params->reader = param_string(parameters, "reader");
        params->expect_national_number = param_string(parameters, "expect_national_number");
}

const char *assert_params_read(json_t *parameters, struct request_params *ret)
{
        read_texts(ret, parameters);
        ret->remember = json_is_true(json_object_get(parameters, "remember"));
        ret->timeout_ms =
                (unsigned int)json_integer_value(json_object_get(parameters, "timeout_ms"));
        ret->station = param_object(parameters, "station");
        const char *bad = misplaced(parameters);
        return bad ? bad : read_claims(ret, param_object(parameters, "claims"));
}
