#include "relay/pg_check.h"
