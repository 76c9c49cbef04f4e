"""How are findings written down?

Each module turns a result into one text or one run of bytes, and writes nothing itself:

    full      for people: code frames, the way a value took, help, a summary
    concise   one line a finding: `path:line:column: CODE message`
    json_     for programs
    sarif     for code scanning services and editors
"""
