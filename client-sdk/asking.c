/* SPDX-License-Identifier: Apache-2.0 */
/* asking.c: see asking.h. What is out of bounds is found here, so that an app hears of it without a daemon; mohrd
 * checks it all again. A signed request says for itself what it is for, so nothing can be said of that beside it.
 */
#include "client-sdk/asking.h"

#include "base/text.h"
#include "client-sdk/claimset.h"
#include "client-sdk/fields.h"
#include "client-sdk/members.h"

#define ASSERT_MAX_S       600
#define SIGNED_REQUEST_MAX 8192 /* docs/relying-parties.md */

static bool is_yes(const char *text)
{
        return text && strcmp(text, "yes") == 0;
}

/* A request that lost a member on the way would ask for something else: for any reader, say. */
static bool add_new(json_t *to, const char *name, json_t *value)
{
        return json_object_set_new(to, name, value) == 0;
}

static json_t *make_station(const struct mohr_station *station)
{
        const struct member rows[] = {
                { "operator", station->operator_name },
                { "branch", station->branch },
                { "device", station->device },
                { "case_number", station->case_number },
        };
        const char *photo = station->photo_checked;
        json_t *made = members_of(json_object(), rows, ARRAY_LEN(rows));
        if (!made || !photo || add_new(made, "photo_checked", json_boolean(is_yes(photo))))
                return made;
        json_decref(made);
        return NULL;
}

json_t *asking_ui(const struct mohr_ui *ui)
{
        const struct member rows[] = {
                { "tty", ui->tty },
                { "term", ui->term },
                { "display", ui->display },
                { "wayland_display", ui->wayland_display },
                { "xauthority", ui->xauthority },
                { "language", ui->language },
        };
        return members_of(json_object(), rows, ARRAY_LEN(rows));
}

static bool optional_text(const char *text)
{
        return !text || field_is_text(text, FIELD_STATION_MAX);
}

static bool good_station(const struct mohr_station *station)
{
        const char *photo = station ? station->photo_checked : NULL;
        return !station ||
               (field_is_stated(station) && (!photo || is_yes(photo) || strcmp(photo, "no") == 0));
}

/* What these must be exactly is mohrd's business: here they only have to be text. */
static bool good_ui(const struct mohr_ui *ui)
{
        const struct mohr_ui none = { 0 };
        ui = ui ? ui : &none;
        const char *const texts[] = { ui->tty, ui->term, ui->display, ui->wayland_display,
                ui->xauthority, ui->language };
        for (size_t i = 0; i < ARRAY_LEN(texts); i++)
                if (texts[i] && !text_utf8_valid(texts[i], strlen(texts[i])))
                        return false;
        return true;
}

/* Names of claims, each at most once. NULL names none. */
static bool read_claims(const char *const *names, claimset *ret)
{
        claimset set = CLAIMS_NONE;
        for (; names && *names; names++) {
                unsigned int bit = 0;
                while (bit < CLAIMSET_COUNT && strcmp(claimset_name(bit), *names) != 0)
                        bit++;
                if (bit == CLAIMSET_COUNT || set & 1u << bit)
                        return false;
                set |= (claimset)(1u << bit);
        }
        *ret = set;
        return true;
}

bool asking_claims_are_good(const struct mohr_request *request)
{
        claimset required, optional;
        return read_claims(request->required, &required) &&
               read_claims(request->optional, &optional) && (required & optional) == 0;
}

/* Three parts of base64url; what they say is mohrd's to judge. */
static bool good_signed_request(const char *text)
{
        size_t len =
                strspn(text, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.");
        return len > 0 && len <= SIGNED_REQUEST_MAX && text[len] == '\0';
}

/* What a signed request says itself. */
static bool says_for_itself(const struct mohr_request *request)
{
        return !request->audience && !request->nonce && !request->purpose &&
               !request->expect_national_number && !request->required && !request->optional;
}

const char *asking_out_of_bounds(const struct mohr_request *request)
{
        const char *jws = request->signed_request;
        const struct {
                bool good;
                const char *name;
        } rows[] = {
                { !jws || (good_signed_request(jws) && says_for_itself(request)),
                        "signed_request" },
                { jws || (request->audience && field_is_uri(request->audience)), "audience" },
                { jws || (request->nonce && field_is_nonce(request->nonce)), "nonce" },
                { !request->purpose || field_is_text(request->purpose, FIELD_PURPOSE_MAX),
                        "purpose" },
                { optional_text(request->reader), "reader" },
                { !request->expect_national_number ||
                                field_is_digits(request->expect_national_number, 10),
                        "expect_national_number" },
                { request->timeout_s >= 0 && request->timeout_s <= ASSERT_MAX_S, "timeout_ms" },
                { asking_claims_are_good(request), "claims" },
                { good_station(request->station), "station" },
                { good_ui(request->ui), "ui" },
        };
        for (size_t i = 0; i < ARRAY_LEN(rows); i++)
                if (!rows[i].good)
                        return rows[i].name;
        return NULL;
}

static bool add_list(json_t *to, const char *name, const char *const *texts)
{
        size_t count = 0;
        while (texts && texts[count])
                count++;
        return !texts || add_new(to, name, members_list(texts, count));
}

static json_t *make_claims(const struct mohr_request *request)
{
        json_t *made = json_object();
        if (made && add_list(made, "required", request->required) &&
                add_list(made, "optional", request->optional))
                return made;
        json_decref(made);
        return NULL;
}

/* What is there only if it was asked for. */
static bool add_rest(json_t *to, const struct mohr_request *request)
{
        const json_int_t timeout_ms = (json_int_t)request->timeout_s * 1000;
        const struct member rows[] = {
                { "expect_national_number", request->expect_national_number },
                { "signed_request", request->signed_request },
        };
        bool claims = request->required || request->optional;
        return (!timeout_ms || add_new(to, "timeout_ms", json_integer(timeout_ms))) &&
               members_add(to, rows, ARRAY_LEN(rows)) &&
               (!claims || add_new(to, "claims", make_claims(request))) &&
               (!request->remember || add_new(to, "remember", json_true())) &&
               (!request->station || add_new(to, "station", make_station(request->station))) &&
               (!request->ui || add_new(to, "ui", asking_ui(request->ui)));
}

json_t *asking_parameters(const struct mohr_request *request)
{
        const struct member rows[] = {
                { "audience", request->audience },
                { "nonce", request->nonce },
                { "purpose", request->purpose },
                { "reader", request->reader },
        };
        json_t *made = members_of(json_object(), rows, ARRAY_LEN(rows));
        if (made && add_rest(made, request))
                return made;
        json_decref(made);
        return NULL;
}
