"""The other side: PyJWT. One JSON document on standard input says what to do; the answer is one on standard output."""

import base64
import hashlib
import json
import sys
import time

import jwt
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa

ALGORITHMS = jwt.algorithms.get_default_algorithms()
REQUIRED = {
    "OKP": ("crv", "kty", "x"),
    "EC": ("crv", "kty", "x", "y"),
    "RSA": ("e", "kty", "n"),
}


def thumbprint(jwk):
    members = {name: jwk[name] for name in sorted(REQUIRED[jwk["kty"]])}
    digest = hashlib.sha256(json.dumps(members, separators=(",", ":")).encode()).digest()
    return base64.urlsafe_b64encode(digest).rstrip(b"=").decode()


def generated(algorithm):
    if algorithm == "EdDSA":
        return ed25519.Ed25519PrivateKey.generate()
    if algorithm == "ES256":
        return ec.generate_private_key(ec.SECP256R1())
    if algorithm == "ES384":
        return ec.generate_private_key(ec.SECP384R1())
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


def exported(key, algorithm):
    return ALGORITHMS[algorithm].to_jwk(key, as_dict=True)


def encoded(key, algorithm, key_id, request):
    now = int(time.time())
    claims = {
        "iss": request["issuer"],
        "sub": "user-1",
        "aud": [request["audience"], "others"],
        "iat": now,
        "exp": now + 600,
        "jti": f"python-{algorithm}",
        "scope": "orders:read orders:write",
        "roles": ["clerk"],
        "tenant": "Öl & Söhne",
    }
    header = {"typ": "at+jwt", "kid": key_id}
    return jwt.encode(claims, key, algorithm=algorithm, headers=header)


def issue(request):
    issued = []
    for algorithm in request["algorithms"]:
        if algorithm.startswith("HS"):
            secret = request["secret"].encode()
            jwk = dict(exported(secret, algorithm), alg=algorithm, kid="secret")
            issued.append({"private_jwk": jwk, "token": encoded(secret, algorithm, "secret", request)})
            continue
        private = generated(algorithm)
        public = private.public_key()
        jwk = exported(public, algorithm)
        key_id = thumbprint(jwk)
        names = {"alg": algorithm, "kid": key_id}
        private_jwk = exported(private, algorithm)
        # Signing is all that a key of ours does.
        private_jwk.pop("key_ops", None)
        private_pem = private.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
        public_pem = public.public_bytes(
            serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
        )
        issued.append(
            {
                "thumbprint": key_id,
                "jwk": dict(jwk, **names),
                "private_jwk": dict(private_jwk, **names),
                "pem": private_pem.decode(),
                "public_pem": public_pem.decode(),
                "token": encoded(private, algorithm, key_id, request),
            }
        )
    return issued


def sign(request):
    signed = []
    for entry in request["keys"]:
        key = serialization.load_pem_private_key(entry["pem"].encode(), password=None)
        signed.append(encoded(key, entry["alg"], entry["kid"], request))
    return signed


def verified(token, keys, request):
    header = jwt.get_unverified_header(token)
    if header["alg"].startswith("HS"):
        key, algorithm = request["secret"], header["alg"]
    else:
        jwk = keys[header["kid"]]
        # That of the key: what the token says has to be the same.
        key, algorithm = jwk.key, jwk.algorithm_name
    claims = jwt.decode(
        token,
        key,
        algorithms=[algorithm],
        issuer=request["issuer"],
        audience=request["audience"],
        options={"require": ["iss", "sub", "aud", "exp", "iat", "jti"]},
    )
    return {"header": header, "claims": claims}


def verify(request):
    keys = jwt.PyJWKSet.from_dict(request["jwks"])
    answers = []
    for token in request["tokens"]:
        try:
            answers.append(verified(token, keys, request))
        except jwt.PyJWTError as error:
            answers.append({"refused": type(error).__name__})
    thumbprints = {jwk["kid"]: thumbprint(jwk) for jwk in request["jwks"]["keys"]}
    return {"answers": answers, "thumbprints": thumbprints}


def read(request):
    """Whether each document is a key set with a key in it."""
    answers = []
    for document in request["documents"]:
        try:
            answers.append(len(jwt.PyJWKSet.from_dict(document).keys))
        except (jwt.PyJWTError, ValueError):
            answers.append(0)
    return answers


COMMANDS = {"issue": issue, "sign": sign, "verify": verify, "read": read}
request = json.load(sys.stdin)
json.dump(COMMANDS[request["command"]](request), sys.stdout)
