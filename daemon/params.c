/* SPDX-License-Identifier: Apache-2.0 */
/* params.c: see params.h. A reply names a parameter as the client wrote it; that text came through
 * the JSON parser, so it is valid UTF-8, and it goes back to the client only, never into a log. */
#include "daemon/params.h"

#include "client-sdk/claimset.h"
#include "client-sdk/fields.h"

#include <ctype.h>

static bool all_of(const char *text, int (*is)(int))
{
        for (; *text; text++)
                if ((unsigned char)*text > 0x7f || !is((unsigned char)*text))
                        return false;
        return true;
}

bool param_printable(const char *text)
{
        return all_of(text, isprint);
}

bool param_graphic(const char *text)
{
        return all_of(text, isgraph);
}

bool param_digits(const char *text)
{
        return all_of(text, isdigit);
}

bool param_is_text(const char *text)
{
        return field_is_text(text, FIELD_PURPOSE_MAX);
}

static bool in_bounds(int64_t value, const struct param *row)
{
        return value >= row->min && value <= row->max;
}

static bool string_fits(const json_t *value, const struct param *row)
{
        return json_is_string(value) && in_bounds((int64_t)json_string_length(value), row) &&
               (!row->valid || row->valid(json_string_value(value)));
}

static bool value_fits(const json_t *value, const struct param *row)
{
        switch (row->type) {
        case PARAM_STRING: return string_fits(value, row);
        case PARAM_INT: return json_is_integer(value) && in_bounds(json_integer_value(value), row);
        case PARAM_BOOL: return json_is_boolean(value);
        case PARAM_OBJECT: return json_is_object(value);
        case PARAM_CLAIMS: return claimset_read(value, &(claimset){ 0 });
        case PARAM_LIST: return json_is_array(value);
        }
        return false;
}

static const struct param *find_row(const struct param *table, const char *name)
{
        for (; table->name; table++)
                if (strcmp(table->name, name) == 0)
                        return table;
        return NULL;
}

/* The offending name as a new JSON string, or NULL if all is well or memory is short (*ok tells). */
static json_t *first_misfit(json_t *object, const struct param *table, const char *prefix, bool *ok)
{
        const char *name;
        json_t *value;
        *ok = false;
        json_object_foreach (object, name, value) {
                if (!find_row(table, name))
                        return json_sprintf("%s%s", prefix, name);
        }
        for (const struct param *row = table; row->name; row++) {
                value = json_object_get(object, row->name);
                bool absent = !value || json_is_null(value);
                if (absent ? row->required : !value_fits(value, row))
                        return json_sprintf("%s%s", prefix, row->name);
        }
        *ok = true;
        return NULL;
}

/* The table and the tables of its objects; one level is all that any method has. */
static json_t *first_misfit_nested(json_t *object, const struct param *table, bool *ok)
{
        json_t *bad = first_misfit(object, table, "", ok);
        for (const struct param *row = table; *ok && row->name; row++) {
                json_t *value = json_object_get(object, row->name);
                char prefix[64];
                if (row->type != PARAM_OBJECT || !json_is_object(value))
                        continue;
                size_t len = base_min(strlen(row->name), sizeof prefix - 2);
                memcpy(prefix, row->name, len);
                memcpy(prefix + len, ".", 2);
                bad = first_misfit(value, row->fields, prefix, ok);
        }
        return bad;
}

bool params_fit(json_t *parameters, const struct param *table, json_t **ret_bad)
{
        bool ok;
        *ret_bad = first_misfit_nested(parameters, table, &ok);
        return ok;
}

const char *param_string(json_t *parameters, const char *name)
{
        return json_string_value(json_object_get(parameters, name));
}

json_t *param_object(json_t *parameters, const char *name)
{
        json_t *object = json_object_get(parameters, name), *value;
        const char *key;
        void *next;
        if (!json_is_object(object))
                return NULL;
        json_object_foreach_safe(object, next, key, value)
        {
                if (json_is_null(value))
                        json_object_del(object, key);
        }
        return object;
}
