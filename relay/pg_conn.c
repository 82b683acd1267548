#include "relay/pg_conn.h"
