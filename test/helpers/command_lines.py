"""How tests call the command s2iammask, and read what it prints."""

import json


def printed(capsys):
    return json.loads(capsys.readouterr().out)


def words(text):
    return [str(each) for each in text]
