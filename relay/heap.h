/* heap - how the C library's allocator treats what is freed. */
#ifndef RELAY_HEAP_H
#define RELAY_HEAP_H

/* What is big goes back to the system as soon as it is freed.  By itself glibc keeps blocks of up
 * to 32 MiB once one of that size was freed, so that one big row would be paid for ever after.
 * To be called before any thread is started. */
void heap_return_what_is_big(void);

#endif
