"""Words of the kernel's command line and of module strings: see docs/boot-interface.md."""


def quote(word):
    """One word, quoted where the kernel's parser needs it."""
    if word and not any(c in ' \t\n\r"\\' for c in word):
        return word
    return '"' + word.replace('\\', '\\\\').replace('"', '\\"') + '"'


def join(words):
    return ' '.join(quote(word) for word in words)


def split(line):
    """The words of a line, as the kernel splits them."""
    words, word, quoted, inside, index = [], [], False, False, 0
    while index < len(line):
        c = line[index]
        if inside and c == '\\' and index + 1 < len(line):
            index += 1
            word.append(line[index])
        elif c == '"':
            inside, quoted = not inside, True
        elif not inside and c in ' \t\n\r':
            if word or quoted:
                words.append(''.join(word))
            word, quoted = [], False
        else:
            word.append(c)
        index += 1
    if word or quoted:
        words.append(''.join(word))
    return words
