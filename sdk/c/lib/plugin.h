/*
 * What all kinds of plugins have in common: what `describe` says, how a configuration is checked, how an answer reaches the host.
 */
#ifndef VERWALTER_PLUGIN_H
#define VERWALTER_PLUGIN_H

#include "json.h"

/** What a scheduler or policy wants of its input document beside what is always there. */
enum vw_reads {
    VW_READS_RUNTIME = 1 << 0,
    VW_READS_PARENTS = 1 << 1,
    VW_READS_ACTIONS = 1 << 2,
    VW_READS_PEERS = 1 << 3,
    VW_READS_METRICS = 1 << 4
};

/** Whether peers and metrics come in the document, or are asked of the host as columns: much the cheaper way. */
enum vw_input_mode { VW_DOCUMENT, VW_COLUMNS };

/** What a plugin says of itself. */
struct vw_about {
    const char *name, *version;
    enum vw_input_mode input; /* schedulers and policies */
    unsigned reads;           /* schedulers and policies: of enum vw_reads, or'ed */
    /** Whether the manifest's `config`, a mapping, will do; NULL where any will. */
    vw_error (*check_config)(vw_json config);
};

/*
 * An answer, as the host gets it: the byte 0 and the answer's text, or the byte 1 and an error's text. The functions that make
 * whole answers (vw_answer_schedule and so on) are what the exports call, and what a native test calls in the host's place.
 */

/** Begins an answer. */
struct vw_buffer vw_answer_begin(void);

/** The answer that was written. */
vw_text vw_answer_of(const struct vw_buffer *written);

/** The answer that says why there is none. */
vw_text vw_answer_error(vw_error error);

/** What `describe` answers. `reads` says whether input and reads mean anything to this kind. */
vw_text vw_answer_describe(const struct vw_about *about, const char *kind, bool reads);

/** What `check-config` answers. */
vw_text vw_answer_check_config(const struct vw_about *about, vw_text config);

#ifdef __wasm__

/* The core ABI of sdk/README.md: an address and a length in, both in one number out. */
uint64_t vw_give(vw_text answer);

#define VW_EXPORT(name, answer) \
    __attribute__((export_name(#name))) uint64_t name(const char *bytes, size_t len) { \
        const vw_text input = {bytes, len}; \
        (void)input; \
        return vw_give(answer); \
    }

#else

/* Natively nothing is exported: tests call the answering functions. */
#define VW_EXPORT(name, answer)

#endif

#define VW_EXPORT_ABOUT(about, kind, reads) \
    VW_EXPORT(vw_describe, vw_answer_describe(&(about), kind, reads)) \
    VW_EXPORT(vw_check_config, vw_answer_check_config(&(about), input)) \
    struct vw_exported

#endif
