#include "relay/postgres.h"
