#include "relay/heap.h"

#include <malloc.h>

#define BIG_BYTES (1024 * 1024)

void heap_return_what_is_big(void)
{
    (void)mallopt(M_MMAP_THRESHOLD, BIG_BYTES);
    (void)mallopt(M_TRIM_THRESHOLD, 4 * BIG_BYTES);
}
