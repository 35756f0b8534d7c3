/* SPDX-License-Identifier: Apache-2.0 */
/* varlink.h: what is said on a socket and what must come back, line by line.
 *
 * Quotes are single here, so that the lines can be read; the player turns them round, ends each line
 * with a NUL and compares answers as JSON. A line without `say` only listens, one without `hear` only
 * speaks, CLOSED is the server hanging up. The methods are those of tests/unit/test_server.c: Echo
 * answers at once, Count says 1, 2, 3, Silent is in no table, Absent has a row without a handler.
 */
#ifndef MOHR_TEST_CONVERSATION_VARLINK_H
#define MOHR_TEST_CONVERSATION_VARLINK_H

#define CLOSED "closed"

struct line {
        const char *say, *hear;
};

struct conversation {
        const char *name;
        struct line lines[12];
};

#define ERROR(name, member, value)                                                                 \
        "{'error':'org.varlink.service." name "','parameters':{'" member "':'" value "'}}"

static const struct conversation conversations[] = {
        { "a call is answered",
                { { "{'method':'test.one.Echo','parameters':{'text':'hi'}}",
                          "{'parameters':{'text':'hi'}}" },
                        { "{'method':'test.one.Echo','parameters':{'text':'x','size':3}}",
                                "{'parameters':{'text':'x'}}" } } },
        { "optional members may be null",
                { { "{'method':'test.one.Echo','parameters':{'text':'a','size':null,'inner':null}}",
                        "{'parameters':{'text':'a'}}" } } },
        { "answers come in the order of the calls",
                { { "{'method':'test.one.Echo','parameters':{'text':'1'}}", NULL },
                        { "{'method':'test.one.Count','more':true}", NULL },
                        { "{'method':'test.one.Echo','parameters':{'text':'2'}}", NULL },
                        { NULL, "{'parameters':{'text':'1'}}" },
                        { NULL, "{'parameters':{'n':1},'continues':true}" },
                        { NULL, "{'parameters':{'n':2},'continues':true}" },
                        { NULL, "{'parameters':{'n':3}}" },
                        { NULL, "{'parameters':{'text':'2'}}" } } },
        { "a stream not asked for is one answer",
                { { "{'method':'test.one.Count'}", "{'parameters':{'n':3}}" } } },
        { "oneway is not answered, an error neither",
                { { "{'method':'test.one.Echo','parameters':{'text':'1'},'oneway':true}", NULL },
                        { "{'method':'test.one.Echo','parameters':{'wrong':'1'},'oneway':true}",
                                NULL },
                        { "{'method':'nobody.here.Echo','oneway':true}", NULL },
                        { "{'method':'test.one.Echo','parameters':{'text':'2'}}",
                                "{'parameters':{'text':'2'}}" } } },
        { "unknown interface", { { "{'method':'test.two.Echo'}",
                                       ERROR("InterfaceNotFound", "interface", "test.two") } } },
        { "unknown method",
                { { "{'method':'test.one.Silent'}",
                          ERROR("MethodNotFound", "method", "test.one.Silent") },
                        { "{'method':'org.varlink.service.Stop'}",
                                ERROR("MethodNotFound", "method", "org.varlink.service.Stop") } } },
        { "method without a handler",
                { { "{'method':'test.one.Absent'}",
                        ERROR("MethodNotImplemented", "method", "test.one.Absent") } } },
        { "an upgrade is declined",
                { { "{'method':'test.one.Echo','parameters':{'text':'1'},'upgrade':true}",
                        ERROR("MethodNotImplemented", "method", "test.one.Echo") } } },
        { "a missing parameter is named",
                { { "{'method':'test.one.Echo'}", ERROR("InvalidParameter", "parameter", "text") },
                        { "{'method':'test.one.Echo','parameters':{'text':null}}",
                                ERROR("InvalidParameter", "parameter", "text") } } },
        { "an unknown parameter is named",
                { { "{'method':'test.one.Echo','parameters':{'text':'1','colour':'red'}}",
                          ERROR("InvalidParameter", "parameter", "colour") },
                        { "{'method':'org.varlink.service.GetInfo','parameters':{'x':1}}",
                                ERROR("InvalidParameter", "parameter", "x") } } },
        { "a wrong type is named",
                { { "{'method':'test.one.Echo','parameters':{'text':1}}",
                          ERROR("InvalidParameter", "parameter", "text") },
                        { "{'method':'test.one.Echo','parameters':{'text':'1','size':'1'}}",
                                ERROR("InvalidParameter", "parameter", "size") },
                        { "{'method':'test.one.Echo','parameters':{'text':'1','size':1.0}}",
                                ERROR("InvalidParameter", "parameter", "size") } } },
        { "bounds are bounds",
                { { "{'method':'test.one.Echo','parameters':{'text':'123456789'}}",
                          ERROR("InvalidParameter", "parameter", "text") },
                        { "{'method':'test.one.Echo','parameters':{'text':''}}",
                                ERROR("InvalidParameter", "parameter", "text") },
                        { "{'method':'test.one.Echo','parameters':{'text':'1','size':10}}",
                                ERROR("InvalidParameter", "parameter", "size") },
                        { "{'method':'test.one.Echo','parameters':{'text':'a b'}}",
                                ERROR("InvalidParameter", "parameter", "text") } } },
        { "members of an object are named with it",
                { { "{'method':'test.one.Echo','parameters':{'text':'1','inner':{'ok':true}}}",
                          "{'parameters':{'text':'1'}}" },
                        { "{'method':'test.one.Echo','parameters':{'text':'1','inner':{'ok':1}}}",
                                ERROR("InvalidParameter", "parameter", "inner.ok") },
                        { "{'method':'test.one.Echo','parameters':{'text':'1','inner':{'no':1}}}",
                                ERROR("InvalidParameter", "parameter", "inner.no") },
                        { "{'method':'test.one.Echo','parameters':{'text':'1','inner':[]}}",
                                ERROR("InvalidParameter", "parameter", "inner") } } },
        { "the service tells of itself",
                { { "{'method':'org.varlink.service.GetInfo'}",
                          "{'parameters':{'vendor':'Mohr','product':'mohrd','version':"
                          "'" MOHR_VERSION
                          "','url':'','interfaces':['org.varlink.service','test.one']}}" },
                        { "{'method':'org.varlink.service.GetInterfaceDescription','parameters':"
                          "{'interface':'test.one'}}",
                                "{'parameters':{'description':'interface test.one'}}" },
                        { "{'method':'org.varlink.service.GetInterfaceDescription','parameters':"
                          "{'interface':'mohr.Person'}}",
                                ERROR("InterfaceNotFound", "interface", "mohr.Person") },
                        { "{'method':'org.varlink.service.GetInterfaceDescription'}",
                                ERROR("InvalidParameter", "parameter", "interface") } } },
        { "what is no JSON ends the connection", { { "hello", CLOSED } } },
        { "an empty frame ends the connection", { { "", CLOSED } } },
        { "what is no call ends the connection",
                { { "{'method':'test.one.Echo','parameters':{'text':'1'}}",
                          "{'parameters':{'text':'1'}}" },
                        { "{'method':'Echo'}", CLOSED } } },
        { "deep nesting ends the connection",
                { { "{'method':'test.one.Echo','parameters':{'a':[[[[[[[[1]]]]]]]]}}", CLOSED } } },
        { "a repeated member ends the connection",
                { { "{'method':'test.one.Echo','method':'test.one.Echo'}", CLOSED } } },
};

#endif
