/* SPDX-License-Identifier: Apache-2.0 */
/* peer_script.c: programs that run other programs' text, and how each of them is told which.
 *
 * "python3 asks who you are" tells a person nothing, and a permission for it would be one for every script. So
 * what its command line names is shown beside it. That is the process's own word: it may rewrite its command line
 * whenever it likes. An interpreter under another name is a program like any other.
 */
#include "daemon/peer_internal.h"

#include <stdio.h>

#define LOADER_WORDS " --library-path --preload --audit --argv0 --inhibit-rpath "

/* Letters are those of short options that may be written together ("-ne"), words are whole arguments, each
 * between spaces. After `code` comes the program's text itself; `valued` is followed by something that is no file,
 * `attached` by the rest of its own argument only; after `file` comes the file. NULL is none. */
static const struct interpreter {
        const char *name; /* perhaps with a version behind it: "python3.11" */
        const char *code, *valued, *attached, *file;
        const char *code_words, *valued_words, *file_words;
        const char *commands; /* "run": no option, and the file comes behind it */
        bool windows;         /* argv[0] may be the program, as in Windows */
} interpreters[] = {
        { "python", .code = "c", .valued = "WXQ", .file = "m" },
        { "pypy", .code = "c", .valued = "WXQ", .file = "m" },
        { "perl", .code = "eE", .valued = "I", .attached = "iMmxdDC0FlV" },
        { "ruby", .code = "e", .valued = "ICEr", .attached = "FKTWxi0" },
        { "php", .code = "rBRE", .valued = "cdgz", .file = "fF", .code_words = " --run ",
                .valued_words = " --php-ini --define ", .file_words = " --file " },
        { "sh", .code = "cs", .valued = "o" },
        { "bash", .code = "cs", .valued = "oO", .valued_words = " --rcfile --init-file " },
        { "dash", .code = "cs", .valued = "o" },
        { "zsh", .code = "cs", .valued = "o" },
        { "ksh", .code = "cs", .valued = "o" },
        { "mksh", .code = "cs", .valued = "o" },
        { "fish", .code = "c", .valued = "Cdo", .code_words = " --command ",
                .valued_words = " --init-command " },
        { .name = "busybox" },
        { "node", .code = "ep", .valued = "Cr", .code_words = " --eval --print ",
                .valued_words = " --require --import --loader " },
        { "nodejs", .code = "ep", .valued = "Cr", .code_words = " --eval --print ",
                .valued_words = " --require --import --loader " },
        { "deno", .code_words = " eval repl ", .commands = " run " },
        { "bun", .code = "e", .commands = " run " },
        { "electron", .valued = "r", .code_words = " --eval " },
        { "java", .valued_words = " -cp -classpath --class-path -p --module-path --add-modules ",
                .file_words = " -jar -m --module " },
        { .name = "mono" },
        { "dotnet", .commands = " exec " },
        { "lua", .code = "e", .valued = "l" },
        { "luajit", .code = "e", .valued = "lj" },
        { "tclsh", .valued_words = " -encoding " },
        { "wish", .valued_words = " -encoding -display " },
        { "expect", .code = "c", .file = "fb" },
        { "gjs", .code = "c", .valued = "IC", .code_words = " --command " },
        { "gjs-console", .code = "c", .valued = "IC", .code_words = " --command " },
        { "guile", .code = "c", .valued = "Lx", .file = "s" },
        { "R", .code = "e", .file = "f", .file_words = " --file " },
        { "julia", .code = "eE", .valued = "LJpt", .code_words = " --eval --print " },
        { "awk", .valued = "Fv", .file = "f" },
        { "gawk", .valued = "Fv", .file = "f" },
        { "mawk", .valued = "FvW", .file = "f" },
        { "wine", .windows = true },
        { "wine-preloader", .windows = true },
        { "wine64", .windows = true },
        { "wine64-preloader", .windows = true },
        { "qemu-i386", .valued = "0ELUBpRsdD" },
        { "qemu-x86_64", .valued = "0ELUBpRsdD" },
        { "qemu-aarch64", .valued = "0ELUBpRsdD" },
        /* the dynamic loader, called as a program */
        { "ld-linux-x86-64.so", .valued_words = LOADER_WORDS },
        { "ld-linux-aarch64.so", .valued_words = LOADER_WORDS },
        { "ld-linux-armhf.so", .valued_words = LOADER_WORDS },
        { "ld-linux.so", .valued_words = LOADER_WORDS },
        { "ld-musl-x86_64.so", .valued_words = LOADER_WORDS },
};

/* Its name, a version, "-static" or what the kernel adds to a file that was replaced. */
static bool is_name(const char *base, const char *name)
{
        size_t len = strlen(name);
        if (strncmp(base, name, len) != 0)
                return false;
        const char *rest = base + len + strspn(base + len, "0123456789.");
        return rest[0] == '\0' || strcmp(rest, "-static") == 0 || strcmp(rest, " (deleted)") == 0;
}

static const struct interpreter *interpreter_of(const char *executable)
{
        const char *slash = strrchr(executable, '/'), *base = slash ? slash + 1 : executable;
        for (size_t i = 0; base[0] && i < ARRAY_LEN(interpreters); i++)
                if (is_name(base, interpreters[i].name))
                        return &interpreters[i];
        return NULL;
}

bool peer_is_interpreter(const char *executable)
{
        return interpreter_of(executable) != NULL;
}

struct arguments {
        const char *at, *end;
};

/* The next one that is there whole, or NULL. */
static const char *next(struct arguments *rest)
{
        const char *one = rest->at;
        size_t left = (size_t)(rest->end - rest->at);
        const char *stop = left > 0 ? memchr(one, '\0', left) : NULL;
        if (!stop)
                return NULL;
        rest->at = stop + 1;
        return one;
}

static bool lists(const char *words, const char *word)
{
        size_t len = strlen(word);
        for (const char *at = words; at && len > 0 && (at = strstr(at, word)); at++)
                if (at > words && at[-1] == ' ' && at[len] == ' ')
                        return true;
        return false;
}

static bool has(const char *letters, char letter)
{
        return letters && strchr(letters, letter);
}

/* "-ne": what the first letter that takes something makes of it. Whether this settles it, as below. */
static bool letters_settle(const struct interpreter *in, const char *letters,
        struct arguments *rest, const char **ret_file)
{
        for (const char *c = letters; *c; c++) {
                if (has(in->file, *c))
                        *ret_file = c[1] ? c + 1 : next(rest);
                if (has(in->file, *c) || has(in->code, *c))
                        return true;
                if (has(in->valued, *c) && c[1] == '\0')
                        (void)next(rest);
                if (has(in->valued, *c) || has(in->attached, *c))
                        return false;
        }
        return false;
}

/* Whether this argument settles which file it is, with *ret_file, or that there is none. */
static bool settles(const struct interpreter *in, const char *argument, struct arguments *rest,
        const char **ret_file)
{
        bool last = strcmp(argument, "--") == 0;
        if (lists(in->code_words, argument) || strcmp(argument, "-") == 0)
                return true;
        if (last || lists(in->file_words, argument))
                *ret_file = next(rest);
        else if (lists(in->valued_words, argument))
                (void)next(rest);
        else if (argument[0] == '-' && argument[1] != '-')
                return letters_settle(in, argument + 1, rest, ret_file);
        else if (argument[0] != '-' && !lists(in->commands, argument))
                *ret_file = argument;
        return last || *ret_file;
}

void peer_read_script(
        const char *executable, const char *arguments, size_t len, char dst[static PEER_TEXT_MAX])
{
        const struct interpreter *in = interpreter_of(executable);
        struct arguments rest = { arguments, arguments + len };
        const char *own = next(&rest), *file = NULL, *argument;
        dst[0] = '\0';
        if (!in || !own)
                return;
        if (in->windows && strchr(own, '\\'))
                file = own;
        while (!file && (argument = next(&rest)))
                if (settles(in, argument, &rest, &file))
                        break;
        if (file)
                peer_put_path(dst, file);
}
