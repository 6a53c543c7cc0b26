/*
 * Memory of one call: take, never free. When the host has freed the call's argument and answer, all of it is taken back at once,
 * so a filter that is called a thousand times needs no more memory than its largest call.
 *
 * What must live longer goes to `malloc` or a static variable. Think twice: the host may drop an instance after any call.
 */
#ifndef VERWALTER_MEMORY_H
#define VERWALTER_MEMORY_H

#include <stddef.h>

/** Room for `count` things of `size` bytes each, aligned for any of them, not zeroed. Never NULL: the call ends when memory does. */
void *vw_take(size_t count, size_t size);

/** Makes room for `to` bytes out of a block of `from`; its bytes are kept. In place where nothing was taken since. */
void *vw_extend(void *block, size_t from, size_t to);

/** Where memory ends now, for vw_release. */
void *vw_mark(void);

/** Takes back what was taken since the mark, where a call needs much for a short time. Nothing may point into it any more. */
void vw_release(void *mark);

/** Takes everything back. For the ABI and for tests. */
void vw_take_back(void);

#endif
