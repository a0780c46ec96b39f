"""The Rucio server as it is behind Apache: whoever checks certificates passes the name of the client's on."""
from rucio.web.rest.flaskapi.v1.main import application as rucio


def application(environ, start_response):
    name = environ.pop('HTTP_X_CLIENT_DN', None)
    if name is not None:
        environ['SSL_CLIENT_S_DN'] = name
        environ['SSL_CLIENT_VERIFY'] = 'SUCCESS'
    return rucio(environ, start_response)
