// tests/apps/greeting.h - the library of a program that the stories copy. Never part of dm.
#pragma once

const char* greeting();
