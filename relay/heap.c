#include "relay/heap.h"

#include <malloc.h>

/* Above the size of a request to the broker, of which there are some hundred a second: each would
 * be mapped, filled page by page, and unmapped. */
#define BIG_BYTES (4 * 1024 * 1024)

void heap_return_what_is_big(void)
{
    (void)mallopt(M_MMAP_THRESHOLD, BIG_BYTES);
    (void)mallopt(M_TRIM_THRESHOLD, 4 * BIG_BYTES);
}
