"""Finds and replaces text, in one text and in the files of a repository; knows no screen."""
